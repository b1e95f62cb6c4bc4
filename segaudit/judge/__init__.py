"""Policy x reach -> verdicts: outcome, grade, witness, what blocks, what the proof rests on."""

from segaudit.judge.barriers import with_barriers
from segaudit.judge.expectation import Expectation
from segaudit.judge.judgement import Judgement, judge, with_margins

__all__ = ["Expectation", "Judgement", "judge", "with_barriers", "with_margins"]
