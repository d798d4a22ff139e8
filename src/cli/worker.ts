/** A worker thread of `hairpin test`: takes labs one by one, gives back reports. */
import { parentPort } from 'node:worker_threads';
import { type LabTask, testLab } from './test-lab.ts';

/** What a worker thread is started with; the program asks nothing else to know that it is one. */
export const WORKER_ARGUMENT = '--worker';

export function work(): void {
  parentPort!.on('message', (task: LabTask) => {
    testLab(task).then(
      (report) => parentPort!.postMessage(report),
      (error: unknown) => {
        throw error;
      },
    );
  });
}
