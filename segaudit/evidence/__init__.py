"""What a run leaves behind: content-addressed objects and a hash-chained record of them.

``store`` keeps bytes under their own digest, ``chain`` says in which run, as what and after which
other record they were kept. Whoever holds the last digest can tell whether anything before it was
changed, left out or put in; nobody has to trust segaudit for that.
"""
