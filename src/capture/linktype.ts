/** Link-layer header types: libpcap's DLT numbers, names and descriptions, and their numbers in files. */

export const DLT_NULL = 0;
export const DLT_EN10MB = 1;
export const DLT_RAW = 12;
export const DLT_LOOP = 108;
export const DLT_LINUX_SLL = 113;
export const DLT_IPV4 = 228;
export const DLT_IPV6 = 229;
export const DLT_LINUX_SLL2 = 276;

const NAMES: ReadonlyMap<number, readonly [name: string, description: string]> = new Map([
  [0, ['NULL', 'BSD loopback']],
  [1, ['EN10MB', 'Ethernet']],
  [6, ['IEEE802', 'Token ring']],
  [7, ['ARCNET', 'BSD ARCNET']],
  [8, ['SLIP', 'SLIP']],
  [9, ['PPP', 'PPP']],
  [10, ['FDDI', 'FDDI']],
  [12, ['RAW', 'Raw IP']],
  [50, ['PPP_SERIAL', 'PPP over serial']],
  [51, ['PPP_ETHER', 'PPPoE']],
  [104, ['C_HDLC', 'Cisco HDLC']],
  [105, ['IEEE802_11', '802.11']],
  [107, ['FRELAY', 'Frame Relay']],
  [108, ['LOOP', 'OpenBSD loopback']],
  [113, ['LINUX_SLL', 'Linux cooked v1']],
  [117, ['PFLOG', 'OpenBSD pflog file']],
  [127, ['IEEE802_11_RADIO', '802.11 plus radiotap header']],
  [143, ['DOCSIS', 'DOCSIS']],
  [187, ['BLUETOOTH_HCI_H4', 'Bluetooth HCI UART transport layer']],
  [189, ['USB_LINUX', 'USB with Linux header']],
  [220, ['USB_LINUX_MMAPPED', 'USB with padded Linux header']],
  [227, ['CAN_SOCKETCAN', 'CAN-bus with SocketCAN headers']],
  [228, ['IPV4', 'Raw IPv4']],
  [229, ['IPV6', 'Raw IPv6']],
  [239, ['NFLOG', 'Linux netfilter log messages']],
  [253, ['NETLINK', 'Linux netlink']],
  [276, ['LINUX_SLL2', 'Linux cooked v2']],
]);

/** pcap_datalink_val_to_name(): undefined for a type without a name. */
export function datalinkName(dlt: number): string | undefined {
  return NAMES.get(dlt)?.[0];
}

/** pcap_datalink_val_to_description_or_dlt(). */
export function datalinkDescription(dlt: number): string {
  return NAMES.get(dlt)?.[1] ?? `DLT ${dlt}`;
}

/** pcap_datalink_name_to_val(): the name in any case, with or without `DLT_`. */
export function datalinkValue(name: string): number | undefined {
  const wanted = name.toUpperCase().replace(/^DLT_/, '');
  for (const [dlt, [known]] of NAMES) if (known === wanted) return dlt;
  return undefined;
}

/** The DLT of a LINKTYPE number found in a file. */
export function linktypeToDlt(linktype: number): number {
  return linktype === 101 ? DLT_RAW : linktype;
}

/** The LINKTYPE number that stands for a DLT in a file. */
export function dltToLinktype(dlt: number): number {
  return dlt === DLT_RAW ? 101 : dlt;
}
