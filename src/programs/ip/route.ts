import type { IpObject } from './context.ts';

export const doIproute: IpObject = async (_ip, args) => args.notModelled('route');
