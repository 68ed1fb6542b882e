"""The engines that ours is measured beside: small programs that answer jobs, one engine each.

They run in an environment of their own (benchmarks/cpu/environment.py), so nothing here imports
anything of ours outside this folder; the CTranslate2 server alone takes the protocol's stubs.
"""
