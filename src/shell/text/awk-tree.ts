/** The trees of awk programs. */

export type Expression =
  | { op: 'number'; value: number }
  | { op: 'string'; value: string }
  | { op: 'regex'; source: string }
  | { op: 'variable'; name: string }
  | { op: 'field'; index: Expression }
  | { op: 'element'; name: string; keys: Expression[] }
  | { op: 'in'; name: string; keys: Expression[] }
  | { op: 'assign'; operator: string; target: Target; value: Expression }
  | { op: 'step'; delta: number; prefix: boolean; target: Target }
  | { op: 'unary'; operator: '!' | '-' | '+'; operand: Expression }
  | { op: 'binary'; operator: string; left: Expression; right: Expression }
  | { op: 'match'; negate: boolean; left: Expression; right: Expression }
  | { op: 'and' | 'or'; left: Expression; right: Expression }
  | { op: 'cond'; test: Expression; yes: Expression; no: Expression }
  | { op: 'concat'; left: Expression; right: Expression }
  | { op: 'group'; inner: Expression }
  | { op: 'call'; name: string; args: Expression[] }
  | { op: 'builtin'; name: string; args: Expression[] }
  | { op: 'getline'; target: Target | undefined; source: 'main' | 'file' | 'command'; from: Expression | undefined };

export type Target = Extract<Expression, { op: 'variable' | 'field' | 'element' }>;

export type Statement =
  | { op: 'block'; body: Statement[] }
  | { op: 'expression'; value: Expression }
  | { op: 'print' | 'printf'; args: Expression[]; redirect: '' | '>' | '>>' | '|'; to: Expression | undefined }
  | { op: 'if'; test: Expression; yes: Statement; no: Statement | undefined }
  | { op: 'while'; test: Expression; body: Statement }
  | { op: 'do'; test: Expression; body: Statement }
  | {
      op: 'for';
      init: Statement | undefined;
      test: Expression | undefined;
      update: Statement | undefined;
      body: Statement;
    }
  | { op: 'forin'; variable: Target; array: string; body: Statement }
  | { op: 'next' | 'nextfile' | 'break' | 'continue' }
  | { op: 'exit' | 'return'; value: Expression | undefined }
  | { op: 'delete'; name: string; keys: Expression[] | undefined };

export interface Rule {
  kind: 'begin' | 'end' | 'always' | 'pattern' | 'range';
  pattern: Expression | undefined;
  until: Expression | undefined;
  active: boolean;
  /** Undefined prints the record. */
  action: Statement | undefined;
}

export interface FunctionTree {
  params: string[];
  body: Statement;
}

export interface AwkProgram {
  rules: Rule[];
  functions: Map<string, FunctionTree>;
}
