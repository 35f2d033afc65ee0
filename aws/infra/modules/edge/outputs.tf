output "certificate" {
  description = "ARN for the ingress, and the DNS records that prove the name."
  value = {
    arn        = aws_acm_certificate.this.arn
    validation = [for option in aws_acm_certificate.this.domain_validation_options : { name = option.resource_record_name, type = option.resource_record_type, value = option.resource_record_value }]
  }
}
