import { resolve } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The scheduler that `vite dev` passes calls on to. */
const scheduler = process.env.TASKLANE_URL ?? 'http://127.0.0.1:8000'

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the pages work below whatever path a proxy gives them.
  base: './',
  plugins: [react()],
  resolve: { conditions: ['@tasklane/source', 'module', 'browser', 'production', 'import', 'default'] },
  build: {
    outDir: resolve(import.meta.dirname, '../server/dashboard'),
    emptyOutDir: true,
    target: 'es2022',
    // No font or picture as data: in the text of a page, so that the policy for contents can stay strict.
    assetsInlineLimit: 0,
    // A polyfill would be an inline script.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': scheduler, '/openapi.json': scheduler } },
})
