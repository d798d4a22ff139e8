#!/usr/bin/env node
import '../dist/hairpin.js';
