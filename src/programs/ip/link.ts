import type { IpObject } from './context.ts';

export const doIplink: IpObject = async (_ip, args) => args.notModelled('link');
