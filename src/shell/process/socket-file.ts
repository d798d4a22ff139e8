/** A connected UDP socket as a descriptor: each write is a datagram, each read takes one. */
import type { EventQueue } from '../../sim/queue.ts';
import type { Refusal } from '../../uapi/result.ts';
import { refuse } from '../../uapi/result.ts';
import type { Socket } from '../../uapi/socket.ts';
import { OpenFile } from './open-file.ts';
import type { System } from './system.ts';

/** Long enough for a packet to cross many devices and be answered, nanoseconds. */
const SOFTIRQ_TIME = 100_000;

export class SocketFile extends OpenFile {
  private readonly socket: Socket;
  private readonly queue: EventQueue;

  constructor(socket: Socket, inode: number, { scheduler, queue }: System) {
    super(`socket:[${inode}]`);
    this.socket = socket;
    this.queue = queue;
    socket.onReadable = () => {
      this.readers.wake(scheduler);
      this.onReadable?.();
    };
  }

  override get lineBuffered(): boolean {
    return true;
  }

  override get readable(): boolean {
    return this.socket.readable;
  }

  override read(max: number): Uint8Array | Refusal | undefined {
    const errno = this.socket.takeError();
    if (errno !== 0) return refuse(errno);
    return this.socket.recv()?.data.subarray(0, max);
  }

  override write(data: Uint8Array): number | Refusal {
    const sent = this.socket.send(data);
    // The datagram and its answer pass through the machine's own links before the system call returns.
    this.queue.runUntil(this.queue.now + SOFTIRQ_TIME);
    return sent < 0 ? refuse(-sent) : sent;
  }

  protected override release(): void {
    this.socket.close();
  }
}
