// What the explorer's modules keep to, besides their types.

const NO_HTML = 'a name with markup in it must stay text: build elements with dom.js';

export default [
  {
    files: ['genarris_fw/web/static/js/**/*.js'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'module' },
    rules: {
      'no-unused-vars': 'error', 'no-const-assign': 'error', 'no-dupe-keys': 'error', 'no-unreachable': 'error',
      'no-self-assign': 'error', 'no-shadow-restricted-names': 'error', 'no-fallthrough': 'error', 'no-empty': 'error',
      'prefer-const': 'error', 'no-var': 'error', eqeqeq: 'error', curly: ['error', 'multi-line'],
      'no-eval': 'error', 'no-implied-eval': 'error', 'no-new-func': 'error', 'no-console': 'error', 'no-debugger': 'error',
      'max-lines': ['error', { max: 500 }], complexity: ['error', 16],
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write', 'setHTMLUnsafe', 'parseFromString']
          .map((property) => ({ property, message: NO_HTML })),
      ],
    },
  },
];
