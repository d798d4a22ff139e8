/**
 * tcpdump's text for a packet: time, link-layer header, protocols, and the bytes as -x, -X or -A
 * ask for them.
 */
import { Dissection, type InnerPrinters, type PrintContext, Truncated } from './dissection.ts';
import { DLT_EN10MB, DLT_IPV4, DLT_IPV6, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW } from './linktype.ts';
import { MAXIMUM_SNAPLEN, type Packet } from './packet.ts';
import { etherPrint } from './print-ether.ts';
import { ipPrint, rawIpPrint } from './print-ip.ts';
import { ipPayloadPrint } from './print-ip-demux.ts';
import { ip6Print } from './print-ip6.ts';
import { sll2Print, sllPrint } from './print-sll.ts';
import { type TimeReference, timeText } from './print-time.ts';

const INNER: InnerPrinters = {
  ip: ipPrint,
  ip6: ip6Print,
  ethernet: etherPrint,
  ipPayload: ipPayloadPrint,
};

/** Prints the link-layer header at the start of the packet and everything behind it. */
type LinkPrinter = (d: Dissection, length: number, captured: number) => void;

const LINK_PRINTERS: ReadonlyMap<number, LinkPrinter> = new Map<number, LinkPrinter>([
  [
    DLT_EN10MB,
    (d, length, captured) => {
      d.linkHeaderLength += etherPrint(d, 0, length, captured);
    },
  ],
  [DLT_LINUX_SLL, sllPrint],
  [DLT_LINUX_SLL2, sll2Print],
  [DLT_RAW, rawPrint],
  [DLT_IPV4, rawPrint],
  [DLT_IPV6, rawPrint],
]);

function rawPrint(d: Dissection, length: number): void {
  d.protocol = 'raw';
  if (d.options.e > 0) d.print('ip: ');
  rawIpPrint(d, 0, length);
}

function unsupportedPrint(d: Dissection, _length: number, captured: number): void {
  d.protocol = 'unsupported';
  if (d.options.q === 0 && d.options.x === 0 && d.options.X === 0) d.hexAndAscii('\n\t', 0, captured);
}

/** Prints the packets of one capture; time references and TCP conversations go from one to the next. */
export class PacketPrinter {
  private readonly context: PrintContext;
  private readonly linkPrinter: LinkPrinter;
  private readonly reference: { last: TimeReference | undefined } = { last: undefined };

  constructor(context: PrintContext, dlt: number) {
    this.context = context;
    this.linkPrinter = LINK_PRINTERS.get(dlt) ?? unsupportedPrint;
  }

  /** The lines of a packet, each with its newline; `number` counts the packets from 1. */
  print(packet: Packet, number: number): string {
    const { options } = this.context;
    const { data, length } = packet;
    let text = options.number ? `${String(number).padStart(5)}  ` : '';
    const invalid = invalidHeader(packet);
    if (invalid !== undefined) return `${text}${invalid}\n`;
    text += timeText(packet.seconds, packet.fraction, options, this.reference);
    const d = new Dissection(this.context, data, INNER);
    try {
      this.linkPrinter(d, length, data.length);
    } catch (error) {
      if (!(error instanceof Truncated)) throw error;
      d.printTruncated();
      d.linkHeaderLength = 0;
    }
    d.snapEnd = data.length;
    dumpPrint(d);
    return `${text}${d.text}\n`;
  }
}

/** Lengths that no packet has. */
function invalidHeader({ data, length }: Packet): string | undefined {
  const captured = data.length;
  const faults: string[] = [];
  if (captured === 0) faults.push(' caplen==0');
  if (length === 0) faults.push(' len==0');
  else if (length < captured) faults.push(` len(${length}) < caplen(${captured})`);
  if (captured > MAXIMUM_SNAPLEN) faults.push(` caplen(${captured}) > ${MAXIMUM_SNAPLEN}`);
  if (length > MAXIMUM_SNAPLEN) faults.push(` len(${length}) > ${MAXIMUM_SNAPLEN}`);
  return faults.length === 0 ? undefined : `[Invalid header:${faults.join(',')}]`;
}

/** The bytes: with the link-layer header if the option was given twice. */
function dumpPrint(d: Dissection): void {
  const { x, X, A } = d.options;
  const times = X > 0 ? X : x > 0 ? x : A;
  if (times === 0) return;
  const start = times > 1 ? 0 : d.linkHeaderLength;
  const length = d.bytes.length - start;
  if (times === 1 && length <= 0) return;
  if (X > 0) d.hexAndAscii('\n\t', start, length);
  else if (x > 0) d.hex('\n\t', start, length);
  else d.ascii(start, length);
}
