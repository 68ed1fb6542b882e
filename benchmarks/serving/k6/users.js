// Closed loop: each of USERS waits for its answer before it asks again.
import { options as shared, summarize, handleSummary as write } from './summarize.js';

export const options = {
  ...shared,
  scenarios: {
    measured: {
      executor: 'constant-vus',
      vus: Number(__ENV.USERS),
      duration: `${__ENV.SECONDS}s`,
    },
  },
};

export default summarize;
export const handleSummary = write;
