"""This engine beside others on a CPU: same weights, same documents, taking turns in one run.

cases.py says what is compared, models.py makes the models, contender.py runs each engine in a
process of its own, tour.py lets them take turns, and report.py writes down what came of it.
"""
