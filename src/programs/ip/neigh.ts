import type { IpObject } from './context.ts';

export const doIpneigh: IpObject = async (_ip, args) => args.notModelled('neigh');
