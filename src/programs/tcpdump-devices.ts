/** The devices that can be captured on, in libpcap's order, as `tcpdump -D` lists them. */

import { IFF_LOOPBACK, IFF_RUNNING, IFF_UP } from '../uapi/if.ts';
import type { Process } from '../uapi/process.ts';
import type { LinkMessage } from '../uapi/rtnetlink.ts';

/** Drivers that do not tell ethtool about their link count as "not applicable". */
type Connection = 'connected' | 'disconnected' | 'not applicable';

interface Device {
  name: string;
  description?: string;
  up: boolean;
  running: boolean;
  loopback: boolean;
  wireless: boolean;
  connection: Connection;
}

const NONE = {
  up: false,
  running: false,
  loopback: false,
  wireless: false,
  connection: 'not applicable',
} as const satisfies Partial<Device>;

/** What Debian's libpcap offers beside network devices. */
const PSEUDO_DEVICES: readonly Device[] = [
  {
    ...NONE,
    name: 'any',
    description: 'Pseudo-device that captures on all interfaces',
    up: true,
    running: true,
  },
  { ...NONE, name: 'bluetooth-monitor', description: 'Bluetooth Linux Monitor', wireless: true },
  { ...NONE, name: 'nflog', description: 'Linux netfilter log (NFLOG) interface' },
  { ...NONE, name: 'nfqueue', description: 'Linux netfilter queue (NFQUEUE) interface' },
  { ...NONE, name: 'dbus-system', description: 'D-Bus system bus' },
  { ...NONE, name: 'dbus-session', description: 'D-Bus session bus' },
];

const WITHOUT_LINK_STATE: ReadonlySet<string> = new Set(['dummy']);

function deviceOf(link: LinkMessage): Device {
  const loopback = (link.flags & IFF_LOOPBACK) !== 0;
  const up = (link.flags & IFF_UP) !== 0;
  let connection: Connection = up && link.carrier !== 0 ? 'connected' : 'disconnected';
  if (loopback || WITHOUT_LINK_STATE.has(link.kind ?? '')) connection = 'not applicable';
  return {
    name: link.ifname,
    up,
    running: (link.flags & IFF_RUNNING) !== 0,
    loopback,
    wireless: false,
    connection,
  };
}

/** get_figure_of_merit(): lower comes first. */
function figureOfMerit(device: Device): number {
  let figure = 0;
  if (!device.running) figure += 0x8000_0000;
  if (!device.up) figure += 0x4000_0000;
  if (!device.wireless && device.connection === 'disconnected') figure += 0x2000_0000;
  if (device.loopback) figure += 0x1000_0000;
  if (device.name === 'any') figure += 0x0800_0000;
  return figure;
}

/** pcap_findalldevs(). */
export function findDevices(process: Process): Device[] {
  const devices = [...process.task.rtnl.dumpLinks().map(deviceOf), ...PSEUDO_DEVICES];
  return devices
    .map((device, index) => ({ device, index, figure: figureOfMerit(device) }))
    .sort((a, b) => a.figure - b.figure || a.index - b.index)
    .map(({ device }) => device);
}

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connected: ', Connected',
  disconnected: ', Disconnected',
  'not applicable': '',
};

/** The text of -D. */
export function deviceList(process: Process): string {
  return findDevices(process)
    .map((device, index) => {
      const flags: string[] = [];
      if (device.up) flags.push('Up');
      if (device.running) flags.push('Running');
      if (device.loopback) flags.push('Loopback');
      if (device.wireless) flags.push('Wireless');
      const description = device.description === undefined ? '' : ` (${device.description})`;
      const status = `${flags.join(', ') || 'none'}${device.wireless ? '' : CONNECTIONS[device.connection]}`;
      return `${index + 1}.${device.name}${description} [${status}]\n`;
    })
    .join('');
}
