/** What the notifier chain of devices tells (include/linux/netdevice.h NETDEV_*). */
import type { NetDevice } from './netdevice.ts';

export type NetdevEvent =
  | 'REGISTER'
  | 'UNREGISTER'
  | 'GOING_DOWN'
  | 'DOWN'
  | 'PRE_UP'
  | 'UP'
  | 'CHANGE'
  | 'CHANGENAME'
  | 'PRECHANGEMTU'
  | 'CHANGEMTU'
  | 'PRE_CHANGEADDR'
  | 'CHANGEADDR'
  | 'CHANGEUPPER'
  | 'PRECHANGEUPPER'
  | 'FEAT_CHANGE'
  | 'NOTIFY_PEERS'
  | 'CHANGE_TX_QUEUE_LEN'
  | 'RELEASE'
  | 'JOIN';

export interface NotifierInfo {
  /** UNREGISTER because the device moves to another namespace. */
  moving?: boolean;
  /** CHANGE: bits of flags that changed. */
  flagsChanged?: number;
  /** CHANGEUPPER. */
  upper?: import('./netdevice.ts').NetDevice;
  linking?: boolean;
  master?: boolean;
  /** PRE_CHANGEADDR: the address to be. */
  address?: number;
  /** PRECHANGEMTU: the MTU to be. */
  mtu?: number;
}

/** Returns an error number to refuse (PRE_ events only), otherwise 0. Called in order of `priority`, higher first. */
export interface NetdevNotifier {
  name: string;
  priority: number;
  call(event: NetdevEvent, dev: NetDevice, info: NotifierInfo): number;
}
