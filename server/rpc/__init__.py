"""The wire: gRPC and protobuf are imported here and nowhere else in the server.

server.py listens, and offers any service that offered.py describes. summarizer.py answers the five
calls of ours, batch.py the items of SummarizeBatch; kserve/ answers the Open Inference Protocol.
many.py works on the requests of a stream side by side. chain.py wraps each call of each service in
the concerns of interceptors.py. convert.py and options.py turn protos into the server's words and
back, status.py turns errors into statuses. reflection.py describes the services from the files that
described.py prepares.
"""
