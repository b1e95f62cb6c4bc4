"""segaudit proves that one network is cut off from another.

The data's path is the tree: ``collect`` -> ``parse`` (+ ``vendors``) -> ``routing`` -> ``graph`` ->
``packets`` -> ``reach`` -> ``judge`` -> ``probe`` -> ``evidence`` -> ``report``.
``segaudit.pipeline`` shows it on one screen.
"""

__version__ = "0.1.0"
