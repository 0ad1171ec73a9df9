"""Serves the test service from its .proto file, without anything of Mortise.

Usage: server.py <folder with the .proto files> <port, 0 for any>. Prints the port.
"""
import importlib
import os
import sys
import tempfile
import time
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from grpc_tools import protoc

PROTO = "mortise/testing/v1/testing.proto"

protos, port = sys.argv[1], int(sys.argv[2])
generated = tempfile.mkdtemp()
well_known = os.path.join(os.path.dirname(protoc.__file__), "_proto")
arguments = [f"-I{protos}", f"-I{well_known}", f"--python_out={generated}", f"--grpc_python_out={generated}", PROTO]
if protoc.main(["protoc", *arguments]) != 0:
    sys.exit("protoc does not take the .proto file")
sys.path.insert(0, generated)
pb = importlib.import_module("mortise.testing.v1.testing_pb2")
stubs = importlib.import_module("mortise.testing.v1.testing_pb2_grpc")
cancelled = []


class Echo(stubs.EchoServicer):
    def Echo(self, request, context):
        sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
        context.send_initial_metadata(sent)
        context.set_trailing_metadata([("x-many", "a"), ("x-many", "b"), ("x-cancelled", str(len(cancelled)))])
        return request

    def Count(self, request, context):
        for number in range(1, request.count + 1):
            yield pb.Counted(number=number, padding=bytes(request.padding))
            if number == request.fail_after:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no more")

    def Sum(self, requests, context):
        numbers = [request.number for request in requests]
        return pb.Sum(total=sum(numbers), count=len(numbers))

    def Chat(self, requests, context):
        for request in requests:
            yield request

    def Fail(self, request, context):
        info = error_details_pb2.ErrorInfo(reason=request.reason, domain="python", metadata=request.details)
        details = [any_pb2.Any(), any_pb2.Any()]
        details[0].Pack(info)
        details[1].Pack(error_details_pb2.RetryInfo())
        status = status_pb2.Status(code=request.code, message=request.message, details=details[: 2 if request.retryable else 1])
        context.abort_with_status(rpc_status.to_status(status))

    def Sleep(self, request, context):
        context.add_callback(lambda: cancelled.append(1))
        time.sleep(request.ms / 1000)
        return stubs.google_dot_protobuf_dot_empty__pb2.Empty()

    def Whoami(self, request, context):
        seen = dict(context.invocation_metadata())
        remaining = context.time_remaining()
        reply = pb.WhoAmI(trace_id=seen.get("traceparent", ""))
        if remaining is not None and remaining < 1e9:
            reply.remaining_ms = remaining * 1000
        return reply

    def Bytes(self, request, context):
        return pb.Bytes(data=bytes(request.size))

    def Upload(self, request, context):
        return pb.BytesRequest(size=len(request.data))


unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
server = grpc.server(futures.ThreadPoolExecutor(16), options=unlimited)
stubs.add_EchoServicer_to_server(Echo(), server)
print(server.add_insecure_port(f"127.0.0.1:{port}"), flush=True)
server.start()
server.wait_for_termination()
