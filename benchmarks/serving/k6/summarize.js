// One call of the Summarizer, and a summary with the percentiles that we compare.
// The environment says where the server is (TARGET), where the protos are (PROTOS), which document
// is sent (DOCUMENT, a file) and where the summary goes (SUMMARY, a file).
import grpc from 'k6/net/grpc';
import { Counter } from 'k6/metrics';

const client = new grpc.Client();
client.load([__ENV.PROTOS], 'summarizer/v1/summarizer.proto');
const document = open(__ENV.DOCUMENT);
const failed = new Counter('failed');
let isConnected = false;

export const options = { summaryTrendStats: ['count', 'p(50)', 'p(95)', 'p(99)'] };

export function summarize() {
  if (!isConnected) {
    client.connect(__ENV.TARGET, { plaintext: true });
    isConnected = true;
  }
  const answer = client.invoke('summarizer.v1.Summarizer/Summarize', { document });
  failed.add(answer.status === grpc.StatusOK ? 0 : 1);
}

export function handleSummary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data) };
}
