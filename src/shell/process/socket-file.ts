/** A connected UDP socket as a descriptor: each write is a datagram, each read takes one. */
import type { Refusal } from '../../uapi/result.ts';
import { refuse } from '../../uapi/result.ts';
import type { Socket } from '../../uapi/socket.ts';
import { OpenFile } from './open-file.ts';
import type { System } from './system.ts';

export class SocketFile extends OpenFile {
  private readonly socket: Socket;

  constructor(socket: Socket, inode: number, { scheduler }: System) {
    super(`socket:[${inode}]`);
    this.socket = socket;
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
    return sent < 0 ? refuse(-sent) : sent;
  }

  protected override release(): void {
    this.socket.close();
  }
}
