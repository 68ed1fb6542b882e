"""Running the model on a device of its own memory: fixed shapes, captured once, replayed.

drivers  <-  memory  <-  steps, encoding  <-  runner
"""
