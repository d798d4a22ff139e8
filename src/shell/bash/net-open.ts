/** Redirections to `/dev/udp/HOST/PORT` and `/dev/tcp/HOST/PORT`, which bash itself makes (lib/sh/netopen.c). */
import { lookup } from '../../programs/iputils.ts';
import { EINVAL, strerror } from '../../uapi/errno.ts';
import type { Refusal } from '../../uapi/result.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import type { Ipv4 } from '../../wire/addr.ts';
import { portOfService } from '../../wire/services.ts';
import { encode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import { SocketFile } from '../process/socket-file.ts';
import type { Shell } from './shell.ts';

const NETWORK_PATH = /^\/dev\/(tcp|udp)\/([^/]*)\/(.*)$/s;

export function isNetworkPath(path: string): boolean {
  return NETWORK_PATH.test(path);
}

/** A socket connected to the host and port of a path; what went wrong is told on the way. */
export async function netOpen(sh: Shell, proc: Proc, path: string): Promise<OpenFile | Refusal> {
  const [, protocol = '', host = '', service = ''] = NETWORK_PATH.exec(path) ?? [];
  const tell = (text: string): number | Refusal | undefined => proc.fds[2]?.write(encode(`${text}\n`));
  const port = portNumber(service, protocol);
  if (port === undefined) {
    tell(`${sh.errorPrefix}${service}: Servname not supported for ai_socktype`);
    return refuse(EINVAL);
  }
  const address = lookup(proc, host, 'any');
  if (typeof address === 'string') {
    tell(`${sh.errorPrefix}${host}: ${address}`);
    return refuse(EINVAL);
  }
  const opened = await connected(proc, protocol === 'tcp' ? 'tcp' : 'udp', address, port);
  if (isRefusal(opened)) tell(`${sh.currentFile}: connect: ${strerror(opened.errno)}`);
  return opened;
}

/** A number as strtol() reads it, of which 16 bits count, or the name of a service. */
function portNumber(text: string, protocol: string): number | undefined {
  if (/^\d*$/.test(text)) return Number(text) & 0xffff;
  return portOfService(text, protocol);
}

async function connected(proc: Proc, type: 'tcp' | 'udp', address: Ipv4, port: number): Promise<OpenFile | Refusal> {
  const socket = proc.task.socket(type, 0);
  if (isRefusal(socket)) return socket;
  const refused = socket.connect({ family: 'inet', address, port });
  if (refused !== undefined) {
    socket.close();
    return refused;
  }
  if (type === 'tcp') {
    await proc.poll([socket]);
    const errno = socket.takeError();
    if (errno !== 0) {
      socket.close();
      return refuse(errno);
    }
  }
  return new SocketFile(socket, proc.system.nextPipe(), proc.system);
}
