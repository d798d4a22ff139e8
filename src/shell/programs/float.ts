/** C's %e, %f and %g. */
export function formatFloat(
  letter: string,
  value: number,
  width: number,
  precision: number | undefined,
  flags: string,
): string {
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const magnitude = Math.abs(value);
  let digits: string;
  if (!Number.isFinite(magnitude)) digits = Number.isNaN(magnitude) ? 'nan' : 'inf';
  else {
    const lower = letter.toLowerCase();
    const places = precision ?? 6;
    if (lower === 'f') digits = fixed(magnitude, places);
    else if (lower === 'e') digits = exponential(magnitude, places);
    else if (lower === 'a') digits = `0x${magnitude.toString(16)}p+0`;
    else digits = general(magnitude, places === 0 ? 1 : places, flags.includes('#'));
  }
  if (letter >= 'A' && letter <= 'Z') digits = digits.toUpperCase();
  const length = sign.length + digits.length;
  if (flags.includes('-')) return (sign + digits).padEnd(width);
  if (flags.includes('0') && Number.isFinite(magnitude) && length < width)
    return sign + digits.padStart(width - sign.length, '0');
  return (sign + digits).padStart(width);
}

/** Exact: a double is a whole number over a power of two, and ties go to the even digit as in C. */
function fixed(value: number, places: number): string {
  let denominator = 1n;
  let whole = value;
  while (!Number.isInteger(whole)) {
    whole *= 2;
    denominator *= 2n;
  }
  const scaled = BigInt(whole) * 10n ** BigInt(places);
  let rounded = scaled / denominator;
  const twice = (scaled % denominator) * 2n;
  if (twice > denominator || (twice === denominator && rounded % 2n === 1n)) rounded++;
  const digits = rounded.toString().padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function exponential(value: number, places: number): string {
  return value.toExponential(Math.min(100, places)).replace(/e([+-])(\d)$/, 'e$10$2');
}

function general(value: number, places: number, keepZeros: boolean): string {
  const exponent = value === 0 ? 0 : Number(value.toExponential(places - 1).split('e')[1]);
  const text =
    exponent < -4 || exponent >= places ? exponential(value, places - 1) : fixed(value, places - 1 - exponent);
  if (keepZeros || !text.includes('.')) return text;
  return text.replace(/\.?0+(?=e|$)/, '');
}
