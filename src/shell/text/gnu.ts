/** The sentences of GNU's utilities on standard error, where the library's differ in what labs show. */
export function gnuErrors(name: string, stderr: string): string {
  if (name !== 'ls') return stderr;
  return stderr.replace(
    /^ls: (?!cannot access)(.+): No such file or directory$/gm,
    "ls: cannot access '$1': No such file or directory",
  );
}
