import { createMemoryStore } from '../../src/stores/memory/memory-store.ts'
import { describeStore } from './store-suite.ts'

describeStore('memory store', async parts => {
  const store = createMemoryStore(parts)
  return { store, dispose: () => store.close() }
})
