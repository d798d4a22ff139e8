/** IPX: addresses and sockets. */
import { type Dissection, hex2, hex4, hex8 } from './dissection.ts';

const HEADER = 30;

function address(d: Dissection, at: number): string {
  const network = hex8(d.u32(at));
  d.need(at + 4, 6);
  return `${network}.${Array.from(d.bytes.subarray(at + 4, at + 10), hex2).join(':')}`;
}

export function ipxPrint(d: Dissection, at: number, _length: number): void {
  d.protocol = 'ipx';
  if (d.options.e === 0) d.print('IPX ');
  d.print(`${address(d, at + 18)}.${hex4(d.u16(at + 28))} > `);
  const socket = d.u16(at + 16);
  d.print(`${address(d, at + 6)}.${hex4(socket)}: `);
  const length = d.u16(at + 2);
  if (length < HEADER) {
    d.print(`[length ${length} < ${HEADER}]`);
    d.printInvalid();
    return;
  }
  const data = length - HEADER;
  switch (socket) {
    case 0x0451:
      d.print(`ipx-ncp ${data}`);
      break;
    case 0x0455:
      d.print(`ipx-netbios ${data}`);
      break;
    case 0x0456:
      d.print(`ipx-diags ${data}`);
      break;
    case 0x0553:
      d.print(`ipx-nwlink-dgm ${data}`);
      break;
    default:
      d.print(`ipx-#${socket.toString(16)} ${data}`);
  }
}
