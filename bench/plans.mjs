// How long and how often everything is measured. Seconds are CPU seconds of one run.

const PORTS = [2, 10, 30, 100, 300, 1000];
/** Unicast only: a broadcast among more than a thousand siblings overflows net.core.netdev_max_backlog, as on Linux. */
const MACVLANS = [1, 10, 30, 100, 300, 1000, 2000];

export const LONG = {
  frames: { rounds: 5, seconds: 0.3 },
  curves: {
    rounds: 3,
    seconds: 0.25,
    frameSizes: { ports: PORTS, flood: PORTS, macvlans: MACVLANS, siblings: PORTS, arp: PORTS },
    kernelSizes: [1, 2, 30, 300],
    labs: { sizes: [10, 100, 1000, 10_000], rounds: 1 },
  },
  setup: { sizes: [10, 100, 1000, 10_000], rounds: 3 },
  latency: { rounds: 5, matrixRounds: 3 },
};

export const QUICK = {
  frames: { rounds: 2, seconds: 0.1 },
  curves: {
    rounds: 1,
    seconds: 0.15,
    frameSizes: {
      ports: [2, 30, 1000],
      flood: [2, 30, 1000],
      macvlans: [1, 30, 2000],
      siblings: [2, 30, 1000],
      arp: [2, 30, 300],
    },
    kernelSizes: [],
    labs: { sizes: [10, 100, 1000], rounds: 1 },
  },
  setup: { sizes: [100, 1000], rounds: 1 },
  latency: { rounds: 2, matrixRounds: 1 },
};
