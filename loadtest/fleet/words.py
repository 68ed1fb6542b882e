"""The messages between Locust's master and its workers, and what is in them."""

SETUP = "loadtest-setup"  # orders.Setup
ORDER = "loadtest-order"  # orders.Order
STOP = "loadtest-stop"  # nothing
READY = "loadtest-ready"  # facts about the target
DONE = "loadtest-done"  # what engine/generator.py found
FAILED = "loadtest-failed"  # code and message of a LoadTestError
