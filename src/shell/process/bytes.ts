/**
 * Text and bytes. Shell strings are bytes on Linux; here they are JavaScript strings in which a byte
 * that is not valid UTF-8 stands as a lone surrogate U+DC80..U+DCFF (Python's "surrogateescape"), so
 * that any byte sequence survives the way through a variable.
 */
const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const EMPTY = new Uint8Array(0);

/** The bytes of a shell string. */
export function encode(text: string): Uint8Array {
  const length = text.length;
  if (length === 0) return EMPTY;
  if (length <= 256) {
    const out = new Uint8Array(length);
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) break;
      out[i] = code;
    }
    if (i === length) return out;
  }
  return /[\ud800-\udfff]/.test(text) ? encodeEscaped(text) : encoder.encode(text);
}

function encodeEscaped(text: string): Uint8Array {
  const out: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) out.push(code - 0xdc00);
    else for (const byte of encoder.encode(char)) out.push(byte);
  }
  return Uint8Array.from(out);
}

/** The shell string of some bytes. */
export function decode(bytes: Uint8Array): string {
  const length = bytes.length;
  if (length <= 128) {
    let text = '';
    let i = 0;
    for (; i < length; i++) {
      const byte = bytes[i]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (i === length) return text;
  }
  try {
    return strict.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = '';
  let i = 0;
  while (i < bytes.length) {
    const size = sequenceLength(bytes[i]!);
    const end = i + size;
    let char: string | undefined;
    if (size > 0 && end <= bytes.length) {
      try {
        char = strict.decode(bytes.subarray(i, end));
      } catch {
        char = undefined;
      }
    }
    if (char === undefined) {
      text += String.fromCharCode(0xdc00 + bytes[i]!);
      i++;
    } else {
      text += char;
      i = end;
    }
  }
  return text;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/** Several chunks as one. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 0) return EMPTY;
  if (chunks.length === 1) return chunks[0]!;
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
