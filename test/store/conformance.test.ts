import { extremes } from "../support/configurations.js"
import { disk, memory, memoryWithThread } from "../support/places.js"
import { testStore } from "../support/testStore.js"

testStore("a store on disk", disk)
testStore("a store in memory", memory)
for (const [name, tuning] of Object.entries(extremes)) testStore(`a store with ${name}`, memory, tuning)
testStore("a store on disk with many levels", disk, extremes["many levels"])
testStore("a store that compacts in another thread", memoryWithThread, extremes["many levels"])
