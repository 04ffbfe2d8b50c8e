import { EINVAL, ENOSYS } from '../constants.ts'
import { op } from '../op.ts'

export const follow_pfn_longterm = op({
  name: 'follow_pfn_longterm',
  source: 'nowhere: a proposal of October 2020',
  doc: 'follow_pfn for callers that keep the PFN without lock or notifier: it fails, always. Without the policy follow_pfn_longterm it is -ENOSYS.',
  needs: ['mmap_lock'],
  args: { vma: 'vma?', addr: 'addr', pfn: '&pfn' },
  returns: 'errno',
  steps: {
    refuse: (k) => k.done(k.policy.follow_pfn_longterm === 'fail' ? -EINVAL : -ENOSYS),
  },
})
