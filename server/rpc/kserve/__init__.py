"""The Open Inference Protocol (KServe v2), for clients of Triton and KServe.

servicer.py answers the calls. convert.py turns a message into the server's words and back, with
tensors.py for the documents and summaries in it and parameters.py for how to summarise. Requests
go through summarizer.v1's own messages and checks, so both protocols serve the same options.
"""
