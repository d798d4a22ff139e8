import type { IpObject } from './context.ts';

export const doIpaddr: IpObject = async (_ip, args) => args.notModelled('address');
