// Open loop: calls begin evenly at RATE a second, whatever becomes of those before.
import { options as shared, summarize, handleSummary as write } from './summarize.js';

export const options = {
  ...shared,
  scenarios: {
    measured: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.CALLS),
      timeUnit: `${__ENV.SECONDS}s`,
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: 64,
      maxVUs: 512,
    },
  },
};

export default summarize;
export const handleSummary = write;
