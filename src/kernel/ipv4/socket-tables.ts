/** The sockets of a namespace, by protocol. */
import { PerNet } from '../core/net-namespace.ts';
import type { InetSocket } from './inet-socket.ts';

export class SocketTables {
  /** By local port: last bound first. */
  readonly udp = new Map<number, InetSocket[]>();
  /** Connections by local port. */
  readonly tcp = new Map<number, InetSocket[]>();
  /** By identifier. */
  readonly ping = new Map<number, InetSocket[]>();
  /** In order of creation, last first. */
  readonly raw: InetSocket[] = [];
}

export const socketTables = new PerNet(() => new SocketTables());

/** Put a socket at the head of a port's list. */
export function hashSocket(table: Map<number, InetSocket[]>, port: number, socket: InetSocket): void {
  const list = table.get(port);
  if (list === undefined) table.set(port, [socket]);
  else list.unshift(socket);
}

export function unhashSocket(table: Map<number, InetSocket[]>, port: number, socket: InetSocket): void {
  const list = (table.get(port) ?? []).filter((other) => other !== socket);
  if (list.length === 0) table.delete(port);
  else table.set(port, list);
}
