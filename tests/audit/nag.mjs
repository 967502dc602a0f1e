// cdk-nag over plain CloudFormation: `node nag.mjs OUTPUT TEMPLATE…`, templates as JSON files.
// Writes OUTPUT/<template>/validation-report.json for each template.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { App, LegacyStackSynthesizer, Stack, Validations } from 'aws-cdk-lib'
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag'

const [output, ...files] = process.argv.slice(2)
for (const file of files) {
  const name = basename(file, '.json')
  const template = JSON.parse(readFileSync(file, 'utf8'))
  // CfnInclude does not read the rules between parameters. They deploy nothing.
  delete template.Rules
  const included = join(output, `${name}.included.json`)
  writeFileSync(included, JSON.stringify(template))
  const app = new App({ outdir: join(output, name), analyticsReporting: false })
  const stack = new Stack(app, 'Stack', { synthesizer: new LegacyStackSynthesizer() })
  new CfnInclude(stack, 'Template', { templateFile: included })
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app))
  try {
    app.synth()
  } catch (error) {
    // Findings are in the report; synth also throws when there are any.
    if (!/[Vv]alidation/.test(error.message)) throw error
  }
}
