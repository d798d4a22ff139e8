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

function failureLines({ line, command, comparison }: LabFailure, style: Style): string {
  const head = line === 0 ? `${style.bold(command)}\n` : commandLines(command, '#', style);
  return head + diffText(comparison, style);
}

const placeOf = (path: string, { line }: LabFailure) => (line === 0 ? path : `${path}:${line}`);

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
        text += `      ${style.bold(placeOf(report.path, failure))}\n${indent(failureLines(failure, style), '      ')}`;
      }
      for (const agreement of report.agreements ?? []) text += `      ${style.dim(agreement)}\n`;
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
        ...report.failures.map(
          (failure) => `${failure.line === 0 ? '' : `line ${failure.line}\n`}${failureLines(failure, plain)}`,
        ),
      ].join('');
      for (const agreement of report.agreements ?? []) text += `# ${agreement}\n`;
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
        const output =
          report.agreements === undefined
            ? ''
            : `      <system-out>${xml(report.agreements.join('\n'))}</system-out>\n`;
        if (report.passed) return output === '' ? `${open}/>\n` : `${open}>\n${output}    </testcase>\n`;
        const message = report.error ?? messageOf(report);
        const detail = report.failures
          .map((failure) => `${placeOf(report.path, failure)}\n${failureLines(failure, plain)}`)
          .join('\n');
        return `${open}>\n      <failure message="${xml(message)}">${xml(detail)}</failure>\n${output}    </testcase>\n`;
      });
      return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n  <testsuite name="hairpin" ${counts}>\n${cases.join(
        '',
      )}  </testsuite>\n</testsuites>\n`;
    },
  };
}

function messageOf({ failures, commands }: LabReport): string {
  const printed = failures.filter(({ line }) => line > 0).length;
  const seen = failures.length - printed;
  return [
    ...(printed > 0 || seen === 0 ? [`${printed} of ${commands} commands printed something else`] : []),
    ...(seen > 0 ? [`${seen} differences in frames, tables and counters`] : []),
  ].join(', ');
}

/** Text for XML 1.0: what may not stand in it at all is replaced. */
function xml(text: string): string {
  const allowed = text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '\ufffd');
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return allowed.replace(/[&<>"]/g, (character) => entities[character]!);
}
