/**
 * What a lab under construction is thought to consist of. It is a rough picture, kept so that most
 * commands make sense: nobody depends on its being right, since the backends are what is compared.
 */
import type { Choice } from './choice.ts';

/** What the labs may use: kernels differ in the devices that they have. */
export interface Profile {
  /** VLAN devices, and VLAN filtering of bridges. */
  vlan: boolean;
  dummy: boolean;
  /** Devices that are up may be renamed: since Linux 6.3. */
  renames: boolean;
  /** It does all that the kernel does which the twin models; an older one is compared as far as both agree. */
  current: boolean;
  /** Process 1 is in the namespace in which the lab begins. */
  ownInit: boolean;
  /** Names under which iptables is tried. */
  iptables: readonly string[];
}

export const PROFILES: Readonly<Record<'kernel' | 'uml', Profile>> = {
  kernel: {
    vlan: false,
    dummy: false,
    renames: true,
    current: true,
    ownInit: true,
    iptables: ['iptables', 'iptables-legacy'],
  },
  uml: { vlan: true, dummy: true, renames: false, current: false, ownInit: false, iptables: ['iptables-legacy'] },
};

export type Kind = 'lo' | 'veth' | 'bridge' | 'macvlan' | 'vlan' | 'dummy';

export interface Device {
  name: string;
  /** Namespace by name; empty for the one in which the lab begins. */
  ns: string;
  kind: Kind;
  mac: string;
  /** The device below a macvlan or VLAN. */
  lower?: string;
  /** The other end of a veth pair. */
  peer?: string;
  master?: string;
  up?: boolean;
  /** IPv4 addresses with their prefix lengths. */
  addresses: string[];
}

/** How often something is named that is not what it should be. */
const WRONG = 0.07;

export class World {
  readonly choice: Choice;
  readonly profile: Profile;
  readonly iptables: string;
  readonly commands: string[] = [];
  readonly namespaces: string[] = [''];
  devices: Device[] = [];
  /** Chains of iptables that the lab has made: namespace, table and name. */
  readonly chains: { ns: string; table: string; name: string }[] = [];
  /** Captures that run: devices. */
  listening: string[] = [];
  #macs = 0;
  #names = 0;

  constructor(choice: Choice, profile: Profile) {
    this.choice = choice;
    this.profile = profile;
    this.iptables = choice.pick(profile.iptables);
  }

  run(command: string): void {
    if (command.includes("'")) throw new Error(`a command of a lab has no single quotes: ${command}`);
    this.commands.push(command.replace(/ +/g, ' ').trim());
  }

  mac(): string {
    this.#macs++;
    return `02:00:00:00:${hex(this.#macs >> 8)}:${hex(this.#macs)}`;
  }

  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  add(device: Omit<Device, 'addresses' | 'mac'> & { mac?: string }): Device {
    const made = { addresses: [], mac: this.mac(), ...device };
    this.devices.push(made);
    return made;
  }

  remove(device: Device): void {
    const gone = (other: Device): boolean =>
      other === device || other.name === device.peer || (other.lower === device.name && device.kind !== 'lo');
    this.devices = this.devices.filter((other) => !gone(other));
  }

  namespace(name: string): string {
    this.namespaces.push(name);
    this.add({ name: 'lo', ns: name, kind: 'lo', mac: '00:00:00:00:00:00', up: true });
    return name;
  }

  /** Devices that fit; without one, all. */
  among(fits: (device: Device) => boolean = () => true): Device[] {
    const found = this.devices.filter(fits);
    return found.length > 0 ? found : this.devices;
  }

  /** A device that fits; now and then one that does not. */
  device(fits: (device: Device) => boolean = ({ kind }) => kind !== 'lo'): Device {
    return this.choice.pick(this.choice.chance(WRONG) ? this.devices : this.among(fits));
  }

  of(...kinds: Kind[]): Device {
    return this.device(({ kind }) => kinds.includes(kind));
  }

  /** Its name; now and then one that nobody has. */
  nameOf(device: Device): string {
    return this.choice.chance(WRONG / 4) ? this.choice.pick(['nodev', 'x9', 'lo0']) : device.name;
  }

  /** A value that is right; now and then one that is not. */
  value(right: readonly string[], wrong: readonly string[]): string {
    return this.choice.pick(wrong.length > 0 && this.choice.chance(WRONG) ? wrong : right);
  }

  onOff(): string {
    return this.value(['on', 'off'], ['yes', '1', 'ON', '']);
  }

  someMac(): string {
    const known = this.devices.filter(({ kind }) => kind !== 'lo').map(({ mac }) => mac);
    return this.value(known.length === 0 || this.choice.chance(0.4) ? [this.mac()] : known, [
      '01:00:5e:00:00:05',
      'ff:ff:ff:ff:ff:ff',
      // Linux 6.1 asks a device also about the address that it has, and lo refuses this one.
      ...(this.profile.current ? ['00:00:00:00:00:00'] : []),
      '02:00:00:00:00',
      '02:00:00:00:00:00:01',
      'nonsense',
    ]);
  }

  /** An address that some device has, without its length; `10.0.0.99` when there is none. */
  someAddress(fits: (device: Device) => boolean = () => true): string {
    const known = this.devices.filter(fits).flatMap(({ addresses }) => addresses);
    if (known.length === 0 || this.choice.chance(0.08)) {
      return this.choice.pick(['10.0.0.99', '10.0.1.99', '10.9.9.9', '224.0.0.1', '10.0.0.255', '127.0.0.1']);
    }
    return this.choice.pick(known).replace(/\/.*/, '');
  }

  /** Commands for a namespace. */
  ip(ns: string): string {
    return ns === '' ? 'ip' : `ip -n ${ns}`;
  }

  bridge(ns: string): string {
    return ns === '' ? 'bridge' : `bridge -n ${ns}`;
  }

  exec(ns: string): string {
    return ns === '' ? '' : `ip netns exec ${ns} `;
  }

  /** Failed address resolution takes a tenth of a second on these devices. */
  hasty(ns: string, ...names: string[]): void {
    this.run(ns === '' ? `hasty ${names.join(' ')}` : `hasty_in ${ns} ${names.join(' ')}`);
  }

  settle(): void {
    this.run('sleep 0.2');
  }

  /** Long enough for the state of every link: that of a bridge is looked at once a second. */
  calm(): void {
    this.run('sleep 1.1');
  }
}

function hex(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0');
}
