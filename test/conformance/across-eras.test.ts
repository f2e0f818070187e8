/**
 * The official conformance suite through the proxy, across eras. What nobody in the middle can give has its
 * reason here.
 */
import { passesThroughProxy } from './combination.js';

passesThroughProxy('legacy', 'modern', {
  'input-required-result-basic-elicitation':
    "the suite wants the server's own name for the question; a question of the legacy era has none",
  'input-required-result-ignore-extra-params':
    'the suite answers by the same name before it was asked, without a requestState that names a call',
});
passesThroughProxy('modern', 'legacy');
