// Summarises a file: npm ci && node summarize.mjs FILE [HOST:PORT]
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { BadRequest } from "nice-grpc-error-details";
import { Status } from "nice-grpc-error-details/lib/proto/google/rpc/status.js";

const [file, address = "localhost:50051"] = process.argv.slice(2);
const proto = fileURLToPath(new URL("../../protos/summarizer/v1/summarizer.proto", import.meta.url));
const { Summarizer } = grpc.loadPackageDefinition(protoLoader.loadSync(proto)).summarizer.v1;
const client = new Summarizer(address, grpc.credentials.createInsecure());
const request = { document: readFileSync(file, "utf8"), style: "brief" };

client.Summarize(request, { deadline: Date.now() + 60_000 }, (error, reply) => {
  if (error) {
    console.error(`${grpc.status[error.code]}: ${error.details}`);
    for (const violation of fieldViolations(error)) console.error(violation);
    process.exitCode = 1;
  } else {
    console.log(reply.summary);
  }
  client.close();
});

// What a refusal says of each bad field, out of the google.rpc.Status in its metadata.
function fieldViolations(error) {
  const [status] = error.metadata.get("grpc-status-details-bin");
  const details = status ? Status.decode(status).details : [];
  const refused = details.filter((each) => each.typeUrl.endsWith("/google.rpc.BadRequest"));
  return refused.flatMap((each) => BadRequest.decode(each.value).fieldViolations);
}
