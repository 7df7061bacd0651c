// What the server's answers are, as types alone; `/api/openapi.json` of a running explorer has the whole of it.

/**
 * @typedef {object} About
 * @property {string} version
 * @property {{name: string, kind: "structure" | "pool", ending: string}[]} formats
 * @property {boolean} chemiscope whether the package that draws crystals is installed
 * @property {{points: number, chemiscope: number, page: number}} limits
 * @property {string | null} run named when the explorer was started
 */

/**
 * @typedef {object} RunLine
 * @property {string} run
 * @property {string} state
 * @property {string | null} created
 * @property {string | null} folder
 * @property {Record<string, number>} pools
 */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} procedure
 * @property {string} state
 * @property {number | null} [waiting]
 * @property {number | null} [running]
 * @property {number | null} [done]
 * @property {number | null} [failed]
 * @property {number | null} [rate] items in a minute
 * @property {number | null} [seconds]
 * @property {number | null} [time_left]
 * @property {string | null} [result]
 */

/**
 * @typedef {object} Experiment
 * @property {string} [step]
 * @property {string} [words]
 * @property {boolean} [found]
 * @property {string | null} [structure]
 * @property {number | null} [rank]
 * @property {number | null} [rmsd]
 */

/**
 * @typedef {object} Run
 * @property {string} run
 * @property {string} state
 * @property {string | null} created
 * @property {number | null} seconds
 * @property {string | null} [failure]
 * @property {number | unknown[] | null} [rockets]
 * @property {Record<string, number>} pools
 * @property {Step[]} steps
 * @property {string | null} last_pool
 * @property {Experiment | null} experiment
 * @property {{step: string, pool: string, structures: number, of: number | null, of_draws?: boolean}[] | null} funnel
 * @property {number} failures
 * @property {boolean} has_experiment
 */

/**
 * @typedef {object} Failure
 * @property {string} step
 * @property {string} key
 * @property {string | null} id
 * @property {string} error
 * @property {number} attempts
 * @property {string | null} kind
 * @property {string | null} host
 * @property {string | null} folder
 * @property {string | null} output
 */

/** @typedef {number | string | boolean} Value */

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} label
 * @property {"number" | "integer" | "flag" | "text"} kind
 * @property {number} count
 * @property {number | null} min
 * @property {number | null} max
 * @property {[Value, number][] | null} values
 */

/**
 * @typedef {object} Pool
 * @property {string} run
 * @property {string} pool
 * @property {string} version
 * @property {number} structures
 * @property {Column[]} columns
 * @property {{x: string | null, y: string | null, colour: string | null, sort: string | null}} default
 * @property {{id: string, row: number, rank: number | null, rmsd: number | null, words: string | null} | null} experiment
 * @property {string[]} remarks
 */

/**
 * @typedef {object} Points
 * @property {number} count
 * @property {string} version
 * @property {ArrayBuffer} buffer 16 bytes a point: float32 x, y, colour, uint32 row
 */

/**
 * @typedef {object} Histogram
 * @property {string} column
 * @property {number[]} [edges]
 * @property {Value[]} [values]
 * @property {number[]} all
 * @property {number[]} selected
 * @property {number} [missing]
 */

/**
 * @typedef {object} TablePage
 * @property {string} version
 * @property {number} structures
 * @property {number} matched
 * @property {number} position
 * @property {string[]} columns
 * @property {{id: string, row: number, values: unknown[]}[]} rows
 * @property {string | null} next
 * @property {string | null} previous
 */

/**
 * @typedef {object} Structure
 * @property {string} run
 * @property {string} id
 * @property {string[]} pools
 * @property {number} n_atoms
 * @property {number} Z
 * @property {string} formula
 * @property {Record<string, unknown>} properties
 * @property {Record<string, string>} labels
 * @property {string[]} long
 * @property {Record<string, any>} energies
 * @property {string | null} parent
 * @property {{id: string, step?: string}[]} children
 * @property {boolean} [children_more]
 * @property {string | null} duplicate_of
 * @property {{id: string, rmsd?: number | null}[]} duplicates
 * @property {Record<string, unknown>} provenance
 * @property {Record<string, any>[]} history
 * @property {{rank: number | null, rmsd: number | null} | null} experiment
 */

/** @typedef {[number, number, number]} Vector */

/**
 * @typedef {object} Atoms
 * @property {string[]} element
 * @property {Vector[]} position
 */

/** @typedef {{atoms: Atoms, bonds: [number, number][]}} Drawing */

/**
 * @typedef {object} Crystal
 * @property {string} id
 * @property {[Vector, Vector, Vector] | null} cell
 * @property {Record<string, number>} [parameters]
 * @property {Atoms & {molecule: number[], copy: number[]}} atoms
 * @property {[number, number][]} bonds
 * @property {[number, number, number, number][]} [hydrogen_bonds]
 * @property {Atoms} [ghosts]
 * @property {number} [molecules]
 * @property {string[]} [remarks]
 * @property {{cluster: Drawing, measured: Drawing, rmsd: number | null, matched: number, of: number}} [overlay]
 */

export {};
