import { existsSync } from 'node:fs';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

/** Debian's browser, or the one that CHROMIUM names. */
const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Tests that touch nothing but the platform-free layers: they run in a browser too. */
const CORE = [
  'test/wire/**/*.test.ts',
  'test/sim/**/*.test.ts',
  'test/kernel/**/*.test.ts',
  'test/browser/**/*.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**'],
          testTimeout: 60_000,
        },
      },
      ...(existsSync(chromium) && process.env['HAIRPIN_NO_BROWSER'] === undefined
        ? [
            {
              test: {
                name: 'chromium',
                include: CORE,
                exclude: ['test/**/*.node.test.ts'],
                browser: {
                  enabled: true,
                  headless: true,
                  screenshotFailures: false,
                  provider: playwright({
                    launchOptions: {
                      executablePath: chromium,
                      args: [
                        '--no-sandbox',
                        '--disable-gpu',
                        '--disable-quic',
                        '--no-first-run',
                        '--disable-background-networking',
                        '--disable-component-update',
                        '--disable-sync',
                      ],
                    },
                  }),
                  instances: [{ browser: 'chromium' as const }],
                },
              },
            },
          ]
        : []),
    ],
    maxWorkers: 2,
  },
});
