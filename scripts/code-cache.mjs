// Runs the program with the arguments given, and keeps the code that V8 compiled for it: functions that
// this run called need not be compiled when the program starts next.
import { writeFileSync } from 'node:fs';
import { codeCache, script } from '../bin/program.js';

process.on('exit', () => writeFileSync(codeCache, script.createCachedData()));
