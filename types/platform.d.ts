/**
 * The few globals that every JavaScript platform has and that the ES library does not declare:
 * the WHATWG Encoding standard's text coders. Node, browsers and workers all provide them.
 */
declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}
