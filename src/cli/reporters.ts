/** How `hairpin test` reports: for people, or as TAP 14, JUnit XML or JSON. */
import type { Style } from './style.ts';
import type { LabFailure, LabReport } from './test-lab.ts';
import { commandLines, diffText } from './transcript.ts';

export interface Reporter {
  /** Before the first lab. */
  begin(total: number): string;
  /** After each lab, in the order in which they are done. */
  lab(report: LabReport): string;
  /** After the last one: reports in the order of their paths. */
  end(reports: readonly LabReport[], milliseconds: number): string;
}

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2);

function failureLines({ command, comparison }: LabFailure, style: Style): string {
  return commandLines(command, '#', style) + diffText(comparison, style);
}

const indent = (text: string, by: string) => text.replace(/^(?=.)/gm, by);

export function textReporter(style: Style): Reporter {
  return {
    begin: () => '',
    lab: (report) => {
      const mark = report.passed ? style.green('pass') : style.red('FAIL');
      const note = report.updated ? style.yellow('  updated') : '';
      const size = `${report.commands} command${report.commands === 1 ? '' : 's'}`;
      let text = `${mark}  ${report.path}  ${style.dim(`${size}, ${seconds(report.milliseconds)} s`)}${note}\n`;
      if (report.error !== undefined) text += `      ${style.red(report.error)}\n`;
      for (const failure of report.failures) {
        text += `      ${style.bold(`${report.path}:${failure.line}`)}\n${indent(failureLines(failure, style), '      ')}`;
      }
      return text;
    },
    end: (reports, milliseconds) => {
      const failed = reports.filter((report) => !report.passed).length;
      const line = `${reports.length - failed} passed, ${failed} failed`;
      return `\n${style.dim(`${seconds(milliseconds)} s`)}\n${failed === 0 ? style.green(line) : style.red(line)}\n`;
    },
  };
}

export function tapReporter(plain: Style): Reporter {
  let number = 0;
  return {
    begin: (total) => `TAP version 14\n1..${total}\n`,
    lab: (report) => {
      let text = `${report.passed ? 'ok' : 'not ok'} ${++number} - ${report.path}\n`;
      const detail = [
        ...(report.error === undefined ? [] : [`${report.error}\n`]),
        ...report.failures.map((failure) => `line ${failure.line}\n${failureLines(failure, plain)}`),
      ].join('');
      if (detail !== '') text += `  ---\n  message: |\n${indent(detail, '    ')}  ...\n`;
      return text;
    },
    end: () => '',
  };
}

export function jsonReporter(): Reporter {
  return {
    begin: () => '',
    lab: () => '',
    end: (reports, milliseconds) => {
      const failed = reports.filter((report) => !report.passed).length;
      const whole = { passed: reports.length - failed, failed, milliseconds, labs: reports };
      return `${JSON.stringify(whole, undefined, 2)}\n`;
    },
  };
}

export function junitReporter(plain: Style): Reporter {
  return {
    begin: () => '',
    lab: () => '',
    end: (reports, milliseconds) => {
      const failed = reports.filter((report) => !report.passed).length;
      const counts = `tests="${reports.length}" failures="${failed}" errors="0" time="${seconds(milliseconds)}"`;
      const cases = reports.map((report) => {
        const open = `    <testcase name="${xml(report.path)}" classname="hairpin" time="${seconds(report.milliseconds)}"`;
        if (report.passed) return `${open}/>\n`;
        const message =
          report.error ?? `${report.failures.length} of ${report.commands} commands printed something else`;
        const detail = report.failures
          .map((failure) => `${report.path}:${failure.line}\n${failureLines(failure, plain)}`)
          .join('\n');
        return `${open}>\n      <failure message="${xml(message)}">${xml(detail)}</failure>\n    </testcase>\n`;
      });
      return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n  <testsuite name="hairpin" ${counts}>\n${cases.join(
        '',
      )}  </testsuite>\n</testsuites>\n`;
    },
  };
}

/** Text for XML 1.0: what may not stand in it at all is replaced. */
function xml(text: string): string {
  const allowed = text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '\ufffd');
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return allowed.replace(/[&<>"]/g, (character) => entities[character]!);
}
