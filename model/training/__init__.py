"""Training and fine-tuning: from pairs of documents and summaries to a checkpoint.

`run.py` puts the parts together for `python -m model train`; `trainer.py` is the loop. Everything
random in a step is drawn from (seed, step), so a run that was killed goes on as if it had not been.
"""
