/** The rules of the layers that the compiler cannot check: docs/architecture.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const src = join(root, 'src');

/** Whom each layer may import. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  wire: [],
  sim: [],
  uapi: ['wire'],
  kernel: ['wire', 'sim', 'uapi'],
  capture: ['wire'],
  programs: ['wire', 'uapi', 'capture'],
  shell: ['programs', 'uapi', 'sim', 'wire'],
  lab: ['kernel', 'shell', 'programs', 'capture', 'uapi', 'sim', 'wire'],
  fuzz: ['lab', 'sim'],
  linux: ['lab', 'uapi'],
  cli: ['fuzz', 'lab', 'linux', 'shell', 'programs', 'kernel', 'capture', 'uapi', 'sim', 'wire'],
};

/** Layers that run anywhere: no module of Node. */
const PLATFORM_FREE = ['wire', 'sim', 'uapi', 'kernel', 'capture', 'programs', 'shell', 'lab', 'fuzz'];

/** Packages that a layer may import. */
const PACKAGES: Record<string, readonly string[]> = {
  shell: ['unbash', '#just-bash'],
};

interface Source {
  path: string;
  layer: string;
  text: string;
  imports: { specifier: string; typeOnly: boolean }[];
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : path.endsWith('.ts') ? [path] : [];
  });
}

const IMPORT = /^(import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;

const sources: Source[] = walk(src).map((path) => {
  const text = readFileSync(path, 'utf8');
  const imports = [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[3] ?? match[4] ?? match[5] ?? '',
    typeOnly: match[2] !== undefined,
  }));
  return { path, layer: relative(src, path).split('/')[0]!, text, imports };
});

const name = (path: string) => relative(root, path);

describe('the layers', () => {
  it('have sources to look at', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(500);
  });

  it('import only the layers below them', () => {
    const wrong: string[] = [];
    for (const { path, layer, imports } of sources) {
      for (const { specifier } of imports) {
        if (!specifier.startsWith('.')) continue;
        const target = relative(src, resolve(dirname(path), specifier)).split('/')[0]!;
        if (target !== layer && !MAY_IMPORT[layer]?.includes(target)) wrong.push(`${name(path)} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('use no module of Node and no package that is not theirs', () => {
    const wrong: string[] = [];
    for (const { path, layer, imports } of sources) {
      for (const { specifier } of imports) {
        if (specifier.startsWith('.')) continue;
        const node = specifier.startsWith('node:') && !PLATFORM_FREE.includes(layer);
        if (!node && !PACKAGES[layer]?.includes(specifier)) wrong.push(`${name(path)} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('have no cycle between files', () => {
    const edges = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports
          .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
          .map(({ specifier }) => resolve(dirname(path), specifier)),
      ]),
    );
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (path: string, trail: string[]) => {
      if (state.get(path) === 'done') return;
      if (state.get(path) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(path)), path].map(name).join(' -> '));
        return;
      }
      state.set(path, 'open');
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      state.set(path, 'done');
    };
    for (const { path } of sources) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('take time and chance from sim alone', () => {
    const wrong = sources.filter(
      ({ layer, text }) =>
        PLATFORM_FREE.includes(layer) &&
        /\bDate\.now\b|\bMath\.random\b|\bnew Date\(\)|\bperformance\.now\b/.test(text),
    );
    expect(wrong.map(({ path }) => name(path))).toEqual([]);
  });

  it('keep files at 600 lines at most', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > 601);
    expect(long.map(({ path }) => name(path))).toEqual([]);
  });

  it('use no enums, parameter properties or namespaces', () => {
    const wrong = sources.filter(({ text }) => /^\s*(export\s+)?(const\s+)?enum\s|^\s*namespace\s/m.test(text));
    expect(wrong.map(({ path }) => name(path))).toEqual([]);
  });
});
