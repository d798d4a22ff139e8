#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// The optimizing compiler begins later than by default (67584): most labs are over before its work would pay.
setFlagsFromString('--interrupt-budget=300000');
await import('../dist/hairpin.js');
