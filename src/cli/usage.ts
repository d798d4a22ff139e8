/** The texts of `hairpin help`. */

const OVERVIEW = `Usage: hairpin COMMAND [OPTIONS]

Runs Linux virtual-network labs - ip, bridge, ping, tcpdump, iptables in bash scripts
or Markdown documents - on a model of the kernel's network stack. No root needed.

Commands:
  run FILE         run a script (.sh) or a lab document (.md); - reads standard input
  test [PATH...]   run labs as tests
  shell [FILE]     an interactive shell on a fresh machine, or after running FILE
  replay FILE LAB  run a lab, then send a capture file's frames into an interface
  inject LAB HEX   the same with single frames
  kernels          where labs can run on this machine, and which devices each has
  fuzz             random labs on the twin and on a kernel, to find where they differ
  help [COMMAND]   this text, or all about a command

Options:
  --version        print the version
  --help           like help

Examples:
  hairpin run labs/vepa.md
  hairpin run labs/bridge.md --on both
  hairpin run --seed 7 --pcap captures lab.sh -- eno1
  hairpin test labs --reporter junit > report.xml
`;

const BUDGET = `Budget (a lab that goes beyond it is stopped, its output so far is kept):
  --max-time SECONDS     virtual time (default 3600)
  --max-events N         events of the network stack (default 5 million)
  --max-commands N       commands of the shell itself (default 20 million)
  --max-processes N      processes alive at once (default 4096)
  --max-bytes N          bytes in files (default 512 MiB)
`;

const RUN = `Usage: hairpin run [OPTIONS] FILE|- [--] [ARGUMENT...]

Runs a shell script as bash would: same output, same exit status. Or runs a lab
document: the commands behind the prompts # and $ in its \`\`\`console blocks, in order,
in one shell. The transcript is printed, what differs from the document is marked, and
the exit status is 1 if anything does.

Options:
  --seed N            what is random follows from this number (default 1)
  --speed max|real    as fast as possible (default), or in real time
  --pcap DIR          write what every interface saw to DIR, as pcapng (not with several
                      backends; on a kernel tcpdump listens once an interface is up)
  --trace FILE        write every step of every frame to FILE, as JSON lines
  --out DIR           keep the files that the lab wrote in DIR
  --json              print the whole run as JSON instead of the transcript
  --update            write what the commands printed into the document, wildcards kept
  --on WHERE          twin (default); kernel: this machine's Linux kernel, in throwaway
                      namespaces; uml: User-Mode Linux. Several, with commas, or both
                      (twin,kernel; twin,uml where the kernel lacks a device it needs):
                      run on each, and show where they differ: in output,
                      frames on every interface, tables (ip -j, bridge -j), counters
  --quiet             of a document, print only what differs

${BUDGET}
The lab sees the folder it lies in; what it writes there stays in memory.
In a document's expected output, a line "..." stands for any lines, and "[..]" in a
line for any text. Show an exit status with "# echo $?".

Exit status: the script's; of a document 0 as expected, 1 something differs; 2 wrong
usage or no such file; 3 stopped by the budget.
`;

const TEST = `Usage: hairpin test [OPTIONS] [DIR|FILE...]

Runs lab documents (.md with \`\`\`console blocks) as tests: all of a folder and the
folders in it, or those named. A script (.sh) is a test when it is named, or when a
file NAME.out with its expected output lies beside it. Without a path: labs, or the
current folder.

Options:
  --jobs N                       labs that run at a time (default: one per processor)
  --reporter text|junit|json|tap how to report (default text)
  --seed N                       what is random follows from this number (default 1)
  --update                       rewrite the documents' expected output
  --on twin|kernel|uml|both      where to run, as for run; with several (twin,uml or
                                 both), a lab passes when they agree

${BUDGET}
Exit status: 0 all passed, 1 some failed, 2 wrong usage.
`;

const SHELL = `Usage: hairpin shell [OPTIONS] [FILE [ARGUMENT...]]

An interactive shell on a fresh machine, in real time. FILE, a script or a lab
document, is run first. Tab completes commands, files, interfaces and namespaces;
Ctrl-C interrupts the command in the foreground; Ctrl-D or exit leaves.

Options:
  --seed N            what is random follows from this number (default 1)
  --speed real|max    real time (default), or as fast as possible
  --pcap DIR          write what every interface saw to DIR, as pcapng
  --trace FILE        write every step of every frame to FILE, as JSON lines
  --out DIR           keep the files that were written in DIR
  --on twin|kernel    on the twin (default), or bash itself on this machine's kernel, in
                      throwaway namespaces
`;

const SENDING = `  --dev [NETNS/]IFACE    where: an interface of the lab
  --direction out|in     out of it, as if its machine sent them (default); or into it,
                         as if they came over the wire: out of the other end of a veth
  --settle SECONDS       how long answers are waited for (default 1)
  --on WHERE             twin (default), kernel, uml; several, with commas, or both:
                         send on each, and show where frames, tables, counters differ
  --pcap DIR             write what every interface saw to DIR
  --trace FILE           write every step of every frame to FILE, as JSON lines (twin)
  --seed N               what is random follows from this number (default 1)
`;

const REPLAY = `Usage: hairpin replay [OPTIONS] FILE LAB [--] [ARGUMENT...]

Runs LAB, a script or a document, and then sends the frames of FILE, a pcap or pcapng
file, at their times: in virtual time on the twin, in real time on a kernel. What sends
them is tcpreplay, which labs may use as a command, too.

Options:
${SENDING}  -x, --multiplier N     N times as fast
  -p, --pps N            so many frames a second
  -t, --topspeed         as fast as possible
  -l, --loop N           the whole file N times
  -L, --limit N          the first N frames

${BUDGET}
Exit status: 0 all frames were sent, and with several backends all agree; 1 not so;
2 wrong usage, no such file or no capture file; 3 stopped by the budget.
`;

const INJECT = `Usage: hairpin inject [OPTIONS] LAB HEX...

Runs LAB and then sends frames given in hexadecimal digits, from the destination
address on, without the checksum. Blanks, colons and dots between digits do not matter.

Options:
${SENDING}  --count N              all of them N times (default 1)
  --interval SECONDS     between one frame and the next (default 0)

${BUDGET}
Exit status: as for replay.
`;

const KERNELS = `Usage: hairpin kernels [--json]

Where labs can run on this machine (--on twin, kernel, uml), which devices each kernel
offers, what is missing, and the command that gets it.
`;

const FUZZ = `Usage: hairpin fuzz [OPTIONS]

Generates labs at random (networks, changes to them, mistakes, traffic), runs each on
the twin and on a real kernel, and compares what every command prints and its exit
status. A difference that the kernel repeats is made smaller, command by command and
word by word, and saved as a script: hairpin run FILE --on twin,kernel shows it.

Options:
  --against kernel|uml   this machine's kernel (default), or User-Mode Linux
  --seed N               number of the first lab (default 1); the others follow it, and
                         the same number is always the same lab
  --labs N               how many (default 100)
  --time TIME            begin no new lab after this time: 90s, 10m, 2h
  --workers N            labs that run at a time (default 6, with uml 2)
  --out DIR              where labs that differ are saved (default .hairpin/fuzz)
  --whole                save them as they are, not made smaller
  --restart              begin anew; otherwise a search that was interrupted, or ran out
                         of time, goes on where it was (.hairpin/fuzz-*.json)
  --again FILE           the lab in FILE, which a search has saved, once more
  --show                 print the labs, run nothing

Exit status: 0 no difference, 1 some, 2 wrong usage.
`;

const HELP = `Usage: hairpin help [COMMAND]

Explains a command: run, test, shell, kernels, fuzz.
`;

const TEXTS: Readonly<Record<string, string>> = {
  run: RUN,
  test: TEST,
  shell: SHELL,
  replay: REPLAY,
  inject: INJECT,
  kernels: KERNELS,
  fuzz: FUZZ,
  help: HELP,
};

/** What the program is called with. */
export const COMMANDS: readonly string[] = Object.keys(TEXTS);

/** The text about a command, or the overview; undefined for an unknown command. */
export function usageText(command?: string): string | undefined {
  return command === undefined ? OVERVIEW : TEXTS[command];
}
