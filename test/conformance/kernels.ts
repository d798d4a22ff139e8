/** The kernels with recordings, and how they are built: the twin is built the same way. */
export const KERNELS = {
  'linux-6.18': { bridgeVlanFiltering: false },
  'uml-6.1': { bridgeVlanFiltering: true, rps: false, cpus: 1, nfTables: false },
} as const;
