/** The few names used of the bundled library of text utilities (just-bash, Apache-2.0). */
declare module '#just-bash' {
  /** A string that stands for bytes: one character each. */
  export type ByteString = string;

  export interface ExecResult {
    stdout: string;
    stderr: string;
    exitCode: number;
    /** `bytes`: each character of `stdout` is a byte. */
    stdoutKind?: 'text' | 'bytes';
    stdoutEncoding?: 'binary';
  }

  export interface CommandExecOptions {
    env?: Record<string, string>;
    replaceEnv?: boolean;
    cwd: string;
    stdin?: string;
    stdinKind?: 'text' | 'bytes';
    args?: string[];
  }

  export interface FsStat {
    isFile: boolean;
    isDirectory: boolean;
    isSymbolicLink: boolean;
    mode: number;
    size: number;
    mtime: Date;
    dev?: number;
    ino?: number;
    identity?: string;
  }

  export interface IFileSystem {
    readFile(path: string): Promise<string>;
    readFileBytes(path: string): Promise<ByteString>;
    readFileBuffer(path: string): Promise<Uint8Array>;
    writeFile(path: string, content: string | Uint8Array, options?: unknown): Promise<void>;
    appendFile(path: string, content: string | Uint8Array, options?: unknown): Promise<void>;
    exists(path: string): Promise<boolean>;
    stat(path: string): Promise<FsStat>;
    lstat(path: string): Promise<FsStat>;
    mkdir(path: string, options?: { recursive?: boolean }): Promise<void>;
    readdir(path: string): Promise<string[]>;
    readdirWithFileTypes(
      path: string,
    ): Promise<{ name: string; isFile: boolean; isDirectory: boolean; isSymbolicLink: boolean }[]>;
    rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void>;
    cp(from: string, to: string, options?: { recursive?: boolean }): Promise<void>;
    mv(from: string, to: string): Promise<void>;
    resolvePath(base: string, path: string): string;
    getAllPaths(): string[];
    chmod(path: string, mode: number): Promise<void>;
    symlink(target: string, path: string): Promise<void>;
    link(existing: string, path: string): Promise<void>;
    readlink(path: string): Promise<string>;
    realpath(path: string): Promise<string>;
    utimes(path: string, atime: Date, mtime: Date): Promise<void>;
  }

  export interface CommandContext {
    fs: IFileSystem;
    cwd: string;
    env: Map<string, string>;
    stdin: ByteString;
    exec?: (command: string, options: CommandExecOptions) => Promise<ExecResult>;
    exportedEnv?: Record<string, string>;
    getRegisteredCommands?: () => string[];
  }

  export interface Command {
    name: string;
    execute(args: string[], context: CommandContext): Promise<ExecResult>;
  }

  export class Bash {
    constructor(options: { fs: IFileSystem; cwd?: string });
    /** Private in the library's own types; it is how one utility is reached without its shell. */
    readonly commands: ReadonlyMap<string, Command>;
  }

  export function createCommandContext(options: Partial<CommandContext> & { fs: IFileSystem }): CommandContext;
}
